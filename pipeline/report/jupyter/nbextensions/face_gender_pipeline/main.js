// Copyright 2026 The face-gender pipeline authors.
// SPDX-License-Identifier: Apache-2.0
// Loads TFMA's widgets in the classic notebook. TFMA 0.52 derives them with Backbone's `extend`, which makes no subclass
// of the classes of ipywidgets 8.

define(['nbextensions/jupyter-js-widgets/extension'], () => ({
  load_ipython_extension() {
    requirejs.config({ map: { '*': { tensorflow_model_analysis: 'nbextensions/tensorflow_model_analysis/index' } } });
    requirejs(['@jupyter-widgets/base'], (base) => {
      const extend = function (properties) {
        const Made = class extends this {};
        Object.assign(Made.prototype, properties);
        return Made;
      };
      base.DOMWidgetModel.extend = base.DOMWidgetView.extend = extend;
    });
  },
}));

# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Tests how a process ends on SIGINT and SIGTERM, whatever it is doing."""

import signal
import subprocess
import sys
import time

import pytest

_WORK = {
    'swallows KeyboardInterrupt': """
        while True:
            try: time.sleep(60)
            except BaseException: pass""",
    'a long C call': '__import__("hashlib").pbkdf2_hmac("sha256", b"", b"", 10**9)',
    'threads that do not end': """
        threading.Thread(target=time.sleep, args=(60,)).start()
        time.sleep(60)""",
    'holds the lock of stdout': """
        while True: sys.stdout.write('x' * 100_000)""",
}


def _start(work: str, sigint=signal.SIG_DFL) -> subprocess.Popen:
    code = (
        'import sys, threading, time\nfrom components import interrupts\n'
        'with interrupts.at_once("program"):\n'
        '    print("ready", file=sys.stderr, flush=True)\n'
        f'    if True:\n        {work}\n'
    )
    process = subprocess.Popen(
        [sys.executable, '-c', code],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, sigint),
    )
    assert process.stderr.readline() == 'ready\n'
    time.sleep(0.3)
    return process


@pytest.mark.parametrize(
    ('work', 'number'), list(zip(_WORK.values(), [signal.SIGINT, signal.SIGTERM] * 2, strict=True)), ids=_WORK
)
def test_a_signal_ends_the_process_with_one_line(work, number):
    process = _start(work)
    process.send_signal(number)
    sent = time.monotonic()
    status = process.wait(20)
    took = time.monotonic() - sent
    assert (status, process.stderr.read()) == (128 + number, 'program: interrupted\n')
    assert took < 2
    process.communicate()


def test_output_is_not_lost():
    process = _start('print("first"); time.sleep(60)')
    process.send_signal(signal.SIGINT)
    assert process.communicate()[0] == 'first\n'


def test_an_ignored_signal_stays_ignored():
    process = _start('time.sleep(1); print("done")', signal.SIG_IGN)  # as nohup and a script's & start it
    process.send_signal(signal.SIGINT)
    assert process.communicate()[0] == 'done\n'
    assert process.returncode == 0


def test_a_block_that_cleans_up_gets_an_exception():
    process = _start("""
        try:
            with interrupts.as_exception(): time.sleep(60)
        except KeyboardInterrupt as interrupt: print('cleaned up after', interrupt)""")
    process.send_signal(signal.SIGTERM)
    assert process.communicate()[0] == f'cleaned up after {int(signal.SIGTERM)}\n'
    assert process.returncode == 0

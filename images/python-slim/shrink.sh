#!/bin/sh
# shrink.sh <folder>: leaves of a Python what runs programs, and pip to install others.
set -eu
cd "$1"

# ensurepip brings it before Python 3.12; whoever needs it locks a version of their own.
python -m pip uninstall --disable-pip-version-check --quiet --yes setuptools
# Headers, and what links with the interpreter.
rm -rf bin/*-config include lib/pkgconfig lib/python3.*/config-*
# An editor, demonstrations, man pages and a debugger's script.
rm -rf bin/*-gdb.py bin/idle* lib/python3.*/idlelib lib/python3.*/turtledemo share
find . -depth -name __pycache__ -exec rm -rf {} +
find . -type f '(' -name '*.so*' -o -path './bin/python3.*' ')' -exec strip --strip-unneeded {} +

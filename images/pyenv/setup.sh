#!/bin/sh
# setup.sh <version> [<version of pyenv-virtualenv>]: completes the trees that were copied to PYENV_ROOT.
set -eu

fail() {
  echo "pyenv: $*" >&2
  exit 1
}

cd "$PYENV_ROOT"
[ -e libexec/pyenv ] || fail "the named context pyenv-source holds no pyenv"
mkdir -p bin shims versions
[ -e bin/pyenv ] || ln -s ../libexec/pyenv bin/pyenv

found=$(pyenv --version)
[ "$found" = "pyenv $1" ] || fail "version $1 was asked for, but the named context pyenv-source holds $found"

plugin=plugins/pyenv-virtualenv
if [ -z "${2:-}" ]; then
  rmdir "$plugin" 2>/dev/null || fail "the named context pyenv-virtualenv-source is given, but no version for it"
else
  grep -qsF "VERSION=\"$2\"" "$plugin/bin/pyenv-virtualenv" ||
    fail "the named context pyenv-virtualenv-source does not hold pyenv-virtualenv $2"
fi

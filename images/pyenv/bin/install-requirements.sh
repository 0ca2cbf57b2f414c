#!/bin/sh
# install-requirements.sh <requirements.txt> [<root>]: installs a lock file, every file of which is pinned by its hash.
# With a root everything is put below it, to be copied into an image that has the same Python.
#
# PIP_INDEX_URL  an index other than pip's own
set -eu

fail() {
  echo "install-requirements.sh: $*" >&2
  exit 1
}

requirements=${1:-}
root=${2:-}
[ -f "$requirements" ] || fail "no such file: \"$requirements\""
[ -n "${PIP_INDEX_URL:-}" ] || unset PIP_INDEX_URL

# The company's CA is trusted for this one call, next to the authorities of the system and of pip.
ca=/run/secrets/ca
if [ -s "$ca" ]; then
  PIP_CERT=$(mktemp)
  export PIP_CERT
  trap 'rm -f "$PIP_CERT"' EXIT
  for file in /etc/ssl/certs/ca-certificates.crt "$(python -m pip._vendor.certifi)" "$ca"; do
    [ ! -f "$file" ] || cat "$file" >>"$PIP_CERT"
  done
fi

# Byte code that is checked by hash: by time it would be stale where an export rewrites the times of files.
export PYTHONHASHSEED=0 SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-315532800}"
python -m pip install --disable-pip-version-check --no-cache-dir --no-input --no-warn-script-location \
  ${root:+--ignore-installed --root "$root"} --require-hashes --requirement "$requirements"
packages=$root$(python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
PYTHONPATH=$packages python -m pip check --disable-pip-version-check
[ -n "$root" ] || pyenv rehash

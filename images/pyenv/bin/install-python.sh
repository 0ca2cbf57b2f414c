#!/bin/sh
# install-python.sh <version>: builds CPython with pyenv and makes it the user's Python.
#
# PYTHON_BUILD_CACHE_PATH  the folder with the tarball, as upstream or Debian names it; nothing is ever downloaded
# CPYTHON_SHA256           its checksum; may be empty for a version that this pyenv knows
# PYTHON_CONFIGURE_OPTS    more options for CPython's configure, such as --enable-optimizations
set -eu

fail() {
  echo "install-python.sh: $*" >&2
  exit 1
}

version=${1:-}
series=${version%.*}
echo "$version" | grep -Eqx '[0-9]+\.[0-9]+\.[0-9]+((a|b|rc)[0-9]+)?' ||
  fail "\"$version\" is not a full version such as 3.13.5"

folder=${PYTHON_BUILD_CACHE_PATH:-$PYENV_ROOT/cache}
tarball=
for file in "$folder"/*[-_]"$version".tar.?z "$folder"/*[-_]"$version".tgz "$folder"/*[-_]"$version".orig.tar.?z; do
  [ ! -f "$file" ] || tarball=$file
done
[ -n "$tarball" ] || fail "no tarball of CPython $version in $folder"
sha256=$(sha256sum "$tarball" | cut -d ' ' -f 1)
[ "$sha256" = "${CPYTHON_SHA256:-$sha256}" ] || fail "$tarball has sha256 $sha256, expected $CPYTHON_SHA256"

# A pyenv older than the Python builds it by the steps of the newest release of the same series that it knows.
python_build=$PYENV_ROOT/plugins/python-build
definitions=$python_build/share/python-build
known=$version
if [ -f "$definitions/$version" ]; then
  grep -qF "#$sha256\"" "$definitions/$version" || fail "$tarball has sha256 $sha256, which pyenv does not know for $version"
else
  [ -n "${CPYTHON_SHA256:-}" ] || fail "this pyenv does not know $version, so CPYTHON_SHA256 must be given"
  known=$series.$(find "$definitions" -name "$series.*" | sed -n 's/.*\.\([0-9]*\)$/\1/p' | sort -n | tail -n 1)
  [ "$known" != "$series." ] || fail "this pyenv knows no Python $series; a newer pyenv is needed"
fi

# One place for all that the build leaves behind. Always the same one, since CPython records it in its configuration.
work=/tmp/install-python
prefix=$PYENV_ROOT/versions/$version
trap 'rm -rf "$work"' EXIT
mkdir "$work" "$work/cache"
case $tarball in *.xz) archive=Python-$version.tar.xz ;; *) archive=Python-$version.tar.gz ;; esac
ln -s "$tarball" "$work/cache/$archive"
ln -s "$definitions/patches" "$work/patches"
sed "s|\"Python-$known\" *\"[^\"]*\"|\"Python-$version\" \"file:///$archive#$sha256\"|" "$definitions/$known" >"$work/$version"

MAKE_OPTS=-j$(nproc)
export MAKE_OPTS PYTHON_BUILD_BUILD_PATH="$work/build" PYTHON_BUILD_CACHE_PATH="$work/cache" TMPDIR="$work"
# No download behind our back: there is no such client.
export PYTHON_BUILD_HTTP_CLIENT=none
# Repeatable builds, and byte code that is checked by hash: by time it would be stale where an export rewrites times.
export PYTHONHASHSEED=0 SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-315532800}"
"$python_build/bin/python-build" "$work/$version" "$prefix" || {
  tail -n 100 "$work"/python-build.*.log >&2 || true
  rm -rf "$prefix"
  fail "CPython $version could not be built; the end of its log is above"
}
"$prefix/bin/python" -c 'import bz2, ctypes, curses, lzma, readline, sqlite3, ssl, zlib' ||
  fail "CPython $version was built without a module of its standard library; the headers for it are missing"

# Nobody runs the standard library's tests, -O's byte code or a debugger here, or links with the static library.
find "$prefix" -depth '(' -name '*.a' -o -name '*.opt-?.pyc' -o -type d '(' -name test -o -name tests -o -name idle_test ')' ')' \
  -exec rm -rf {} +
find "$prefix" -type f '(' -name '*.so*' -o -name "python$series" ')' -exec strip --strip-debug {} +

pyenv global "$version"
pyenv rehash

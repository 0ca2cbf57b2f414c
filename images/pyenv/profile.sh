
# shellcheck shell=sh
# pyenv. A login shell starts with the system's own PATH. The functions are for people, so only where they type;
# without rehash, which would write to the file system at every login.
export PYENV_ROOT="${PYENV_ROOT:-$HOME/.pyenv}"
export PATH="$PYENV_ROOT/shims:$PYENV_ROOT/bin:$PATH"
case $- in
*i*)
  eval "$(pyenv init - --no-rehash "${BASH_VERSION:+ba}sh")"
  if [ -d "$PYENV_ROOT/plugins/pyenv-virtualenv" ]; then
    eval "$(pyenv virtualenv-init - "${BASH_VERSION:+ba}sh")"
  fi
  ;;
esac

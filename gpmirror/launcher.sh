#!/bin/sh
# The command `gpmirror`: starts the program with the interpreter of its own environment, whatever
# the calling shell is set up for. greenplum_path.sh, greengage_path.sh and cloudberry-env.sh lead
# every Python, and every program linked to OpenSSL, to the database's own libraries; that kills
# ours, and the ssh that it starts.

unset PYTHONHOME PYTHONPATH LD_LIBRARY_PATH
case ${OPENSSL_CONF-} in
  "${GPHOME:-/-}"/*) unset OPENSSL_CONF ;;
esac

self=$0
case $self in
  */*) ;;
  *) # started as `sh gpmirror`
    if [ -f "$self" ]; then self=./$self; else self=$(command -v -- "$self"); fi
    ;;
esac
while [ -h "$self" ]; do
  target=$(readlink -- "$self") || break
  case $target in
    /*) self=$target ;;
    *) self=${self%/*}/$target ;;
  esac
done
# The single-file program begins with what stands above, and looks for its Python otherwise.
folder=${self%/*}

# An environment (venv, pipx, uv) has its interpreter beside this file. Without one, as after
# `pip install --user`, it is the interpreter that this folder's packages were installed for.
python=$folder/python
if ! [ -f "$folder/../pyvenv.cfg" ]; then
  for packages in "$folder"/../lib*/python3*/*-packages/gpmirror-*.dist-info; do
    [ -d "$packages" ] || continue
    name=${packages%/*-packages/*}
    name=${name##*/}
    python=$folder/$name
    [ -x "$python" ] || python=$(command -v -- "$name") || python=$folder/$name
    ! [ -x "$python" ] || break
  done
fi

if ! [ -x "$python" ]; then
  echo "error: $self cannot start: there is no Python at $python" >&2
  echo "hint: its environment was moved, removed or made for a Python that is gone; install gpmirror again" >&2
  exit 1
fi
exec "$python" -P -m gpmirror "$@"

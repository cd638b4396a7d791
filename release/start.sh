
# --- The single-file program. Its Python comes from the machine: the first that fits, of those that
# PATH leads to, then of the usual places. Each is asked what it is: the database's own Python may
# stand first in PATH, and a name says little.

pythons="@PYTHONS@"
size=@SIZE@ # in bytes, of the whole file

refuse() {
  echo "error: $1" >&2
  shift
  for line in "$@"; do echo "hint: $line" >&2; done
  exit 1
}

machine=$(uname -m)
[ "$machine" = x86_64 ] || refuse \
  "$self is made for x86_64, and this machine is $machine" \
  "install gpmirror from the wheelhouse for $machine (docs/how-to/install-offline.md)"

# An unreadable file has no size; Python then says so.
found=$(wc -c <"$self" 2>/dev/null) || found=$size
[ "$((found))" -eq "$((size))" ] || refuse \
  "$self is damaged: it has $((found)) bytes, and gpmirror has $((size))" \
  "copy it again, in binary mode, and compare it with SHA256SUMS"

# What a Python says of itself: nothing where it fits, else what it is. An older one, and one whose
# libraries are missing, does not get so far.
asks='
import sys
version = "%d.%d" % sys.version_info[:2]
if sys.implementation.name != "cpython": print("is not CPython")
elif version not in sys.argv[1].split(): print("is Python " + version)
elif "t" in sys.abiflags: print("is a free-threaded Python " + version)
elif sys.maxsize < 2**32: print("is a 32-bit Python")
else:
    # a Python without its whole library, as python3-minimal of Debian, has no ctypes
    try: import _ctypes, zlib
    except ImportError as error: print("is Python %s without %s" % (version, error.name))
'

looked=
# Whether the program $1 fits; what it is instead is noted.
fits() {
  if answer=$("$1" -I -S -c "$asks" "$pythons" 2>/dev/null </dev/null); then
    [ -n "$answer" ] || return 0
  else
    answer="is older, or does not start"
  fi
  looked="$looked
  $1 $answer"
  return 1
}

python=
if [ -n "${GPMIRROR_PYTHON-}" ]; then
  fits "$GPMIRROR_PYTHON" || refuse "GPMIRROR_PYTHON does not fit:${looked#?}" \
    "name a Python of $pythons, or leave GPMIRROR_PYTHON unset"
  python=$GPMIRROR_PYTHON
else
  names="python3"
  for version in $pythons; do names="python$version $names"; done
  old=$IFS
  IFS=:
  set -f
  folders=
  for folder in ${PATH-}; do
    # only absolute ones: no program is started because of the folder one stands in
    case $folder in /*) folders="$folders:$folder" ;; esac
  done
  set +f
  for folder in /usr/bin /usr/local/bin /opt/*/bin /usr/local/*/bin /opt/rh/*/root/usr/bin \
    "${HOME:-/nowhere}"/.local/bin "${HOME:-/nowhere}"/.pyenv/versions/*/bin; do
    folders="$folders:$folder"
  done
  set -f
  seen=:
  for folder in ${folders#:}; do
    IFS=$old
    case $seen in *:"$folder":*) continue ;; esac
    seen=$seen$folder:
    for name in $names; do
      [ -x "$folder/$name" ] && [ ! -d "$folder/$name" ] || continue
      if fits "$folder/$name"; then python=$folder/$name; break 2; fi
    done
    IFS=:
  done
  IFS=$old
  set +f
fi

if [ -z "$python" ]; then
  echo "error: gpmirror needs a Python of $pythons on this machine, and none was found" >&2
  echo "looked at python3 and python3.N in PATH, /usr/bin, /usr/local, /opt and ~/.pyenv:${looked:- nothing is there}" >&2
  echo "hint: on RHEL 8 and 9, Rocky and Alma: dnf install python3.11" >&2
  echo "hint: on Debian 12 and Ubuntu 24.04: apt-get install python3" >&2
  echo "hint: or name one that is elsewhere: GPMIRROR_PYTHON=/path/to/python3.11 $self" >&2
  exit 1
fi
exec "$python" -I -S "$self" "$@"

#!/bin/sh
# Entry point, like the official image's: GF_<SECTION>_<KEY>__FILE is replaced by the file's content.
set -eu
for name in $(env | sed -n 's/^\(GF_[A-Z0-9_]*\)__FILE=.*/\1/p'); do
    eval "value=\${$name:-}"
    eval "file=\$${name}__FILE"
    if [ -n "$value" ]; then
        echo >&2 "ERROR: Both $name and ${name}__FILE are set (but are exclusive)"
        exit 1
    fi
    export "$name=$(cat "$file")"
    unset "${name}__FILE"
done
exec python3 -S -B /usr/share/grafana/server.py "$@"

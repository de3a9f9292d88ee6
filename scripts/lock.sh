#!/bin/sh
# Locks every group by version and hash; the order follows the constraints (-c) between them.
set -eu
cd "$(dirname "$0")/../requirements"
for group in uv embedded-aws processor dispatcher sweep main; do
  echo "locking $group"
  ../.venvs/uv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
    --no-header --no-emit-index-url --no-emit-find-links "$@" "$group.in" --output-file "$group.txt"
done

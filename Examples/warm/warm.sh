#!/usr/bin/env bash
# Fills the cache with the answers of faq.jsonl, so that the first user's question is a hit already.
#   REPRISE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=... ./warm.sh      (the key of the application that will ask)
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
url="${REPRISE_URL:-http://127.0.0.1:8080/v1}"
reprise="${REPRISE_BINARY:-$here/../../.build/release/reprise}"
exec "$reprise" warm --server "${url%/v1}" --model "${MODEL:-gpt-4o-mini}" "$here/faq.jsonl"

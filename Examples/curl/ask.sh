#!/usr/bin/env bash
# Asks the same question in two wordings and shows what the cache made of them.
#   REPRISE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=... ./ask.sh
set -euo pipefail
url="${REPRISE_URL:-http://127.0.0.1:8080/v1}"
model="${MODEL:-gpt-4o-mini}"

for question in "How do I reset my password?" "How can I reset my password?"; do
    echo "$question"
    curl --silent --show-error --fail-with-body --output /dev/null --dump-header - \
        --write-out 'time: %{time_total} s\n\n' \
        --header "Authorization: Bearer ${OPENAI_API_KEY:-none}" --header "Content-Type: application/json" \
        --data "{\"model\": \"$model\", \"messages\": [{\"role\": \"user\", \"content\": \"$question\"}]}" \
        "$url/chat/completions" | grep -iE '^(cache-status|x-cache|age|time)' | tr -d '\r'
done

#!/usr/bin/env bash
# 402, pay, retry: what a client of a paid API does, with curl alone.
#   buy.sh [URL [MODEL [PROMPT]]]
# Pays with play money, so the gate has to be `satgate demo`. For real money, hand $invoice to a
# wallet instead and take the preimage that it shows.
set -euo pipefail

url=${1:-http://127.0.0.1:3000}
model=${2:-toy}
prompt=${3:-What is a millisatoshi?}
body="{\"model\":\"$model\",\"messages\":[{\"role\":\"user\",\"content\":\"$prompt\"}]}"

# 1. Ask. Nothing was paid, so the answer is a 402 with an invoice and a macaroon.
answer=$(curl -sS -i "$url/v1/chat/completions" -d "$body")
challenge=$(grep -i '^www-authenticate: L402 ' <<<"$answer") || { echo "$answer" >&2; exit 1; }
macaroon=$(sed -E 's/.*[ ,]macaroon="([^"]*)".*/\1/' <<<"$challenge")
invoice=$(sed -E 's/.*[ ,]invoice="([^"]*)".*/\1/' <<<"$challenge")
echo "402  invoice ${invoice:0:24}…" >&2

# 2. Pay. A wallet pays the invoice and learns its preimage.
paid=$(curl -sS --fail-with-body "$url/play/pay" -d "{\"invoice\":\"$invoice\"}")
preimage=$(sed -E 's/.*"preimage":"([0-9a-f]{64})".*/\1/' <<<"$paid")
echo "paid preimage ${preimage:0:8}…" >&2

# 3. The same request again, with the pass. It is good until its credit is used up.
curl -sS --fail-with-body "$url/v1/chat/completions" -d "$body" \
  -H "Authorization: L402 $macaroon:$preimage"
echo

# 4. What is left.
curl -sS --fail-with-body "$url/v1/balance" -H "Authorization: L402 $macaroon:$preimage"
echo

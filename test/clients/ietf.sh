#!/usr/bin/env bash
# Uploads a file by the IETF's protocol with curl alone, however often it is cut:
# ietf.sh UPLOADS_URL FILE SCENARIO. Prints how many requests were cut.
set -euo pipefail

uploads=$1 file=$2 scenario=$3
base=$(sed -E 's|^(https?://[^/]+).*|\1|' <<<"$uploads")
size=$(stat -c %s "$file")
cuts=0

field() { # name: of the answer in $answer
	tr -d '\r' <<<"$answer" | sed -n "s/^$1: //Ip" | tail -n 1
}

ask() { # curl's arguments: sets answer, or counts a cut
	if answer=$(curl -sS -D - -o /dev/null "$@" 2>/dev/null); then return 0; fi
	cuts=$((cuts + 1))
	return 1
}

until ask -X POST "$uploads?path=/ietf/$scenario.bin" -H 'Upload-Complete: ?0' -H "Upload-Length: $size"; do :; done
upload=$base$(field Location)

head_offset() {
	until ask -I "$upload" && offset=$(field Upload-Offset) && [[ -n $offset ]]; do :; done
}

head_offset
if [[ $scenario == wrong ]]; then
	answer=$(curl -sS -X PATCH "$upload" -H 'Content-Type: application/partial-upload' -H 'Upload-Offset: 5' -H 'Upload-Complete: ?0' -d x)
	grep -q mismatching-upload-offset <<<"$answer"
fi
while [[ $(field Upload-Complete) != '?1' ]]; do
	piece=$((size - offset)) complete='?1'
	if [[ $scenario == pieces ]] && ((piece > 400000)); then piece=400000 complete='?0'; fi
	tail -c +$((offset + 1)) "$file" | head -c "$piece" >"$file.piece" || true
	ask -X PATCH "$upload" -H 'Content-Type: application/partial-upload' -H 'Expect:' \
		-H "Upload-Offset: $offset" -H "Upload-Complete: $complete" --data-binary "@$file.piece" || true
	head_offset
	if [[ $scenario == cancel ]] && ((offset > size / 3)); then
		ask -X DELETE "$upload" || true
		break
	fi
done
printf '{"url":"%s","retries":%d}\n' "$upload" "$cuts"

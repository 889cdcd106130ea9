#!/bin/sh
# Installs the real Claude Code, Gemini CLI and Codex CLI for the tests in this folder, each in its own folder, from npm.
# About 600 MB. REAL_CLIENTS names another place than the temporary folder.
set -e
to=${REAL_CLIENTS:-${TMPDIR:-/tmp}/turnpost-real-clients}
npm install --silent --no-audit --no-fund --prefix "$to/claude" @anthropic-ai/claude-code@2.1.328
npm install --silent --no-audit --no-fund --prefix "$to/gemini" @google/gemini-cli@0.61.0
npm install --silent --no-audit --no-fund --prefix "$to/codex" @openai/codex@0.169.0
echo "$to"

return {b=...}

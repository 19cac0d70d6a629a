local f = load("error('from loaded text')\n-- more lines")
f()

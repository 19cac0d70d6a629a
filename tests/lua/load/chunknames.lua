-- How chunk names appear in messages: strings, files, lines, long and multi-line text.
local names = { "=custom", "@file.lua", "text", "two\nlines", "", "=", "@", ("x"):rep(60), ("x"):rep(59), "=" .. ("y"):rep(80), "@" .. ("z/"):rep(40) .. "f.lua", "short\n", "\nstarts with newline", "a'quote\"", "tab\there", "\0zero", "=a\nb", "@a\nb", "return 1 -- a comment that is quite long, long enough to be cut" }
for _, n in ipairs(names) do
  print((select(2, load("x =", n)):gsub("%z", "<0>")))
  print((select(2, pcall(load("error('e')", n))):gsub("%z", "<0>")))
  print((debug.getinfo(load("", n), "S").short_src:gsub("%z", "<0>")))
end
for _, src in ipairs { "x =", "x =\n", "\nx =", "-- comment\nx = = 1", "return 'a'\n\nx =", ("a = 1; "):rep(20) .. "=" } do print((select(2, load(src)))) end

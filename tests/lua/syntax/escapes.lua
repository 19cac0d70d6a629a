-- All escape sequences of short strings.
local function dump(s)
  print(#s, (s:gsub(".", function(c) return string.format("%d ", c:byte()) end)))
end
dump "\a\b\f\n\r\t\v\\\"\'"
dump "\0\1\12\123\255"
dump "\x00\x7F\xff\xAb"
dump "\u{0}\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}\u{10FFFF}\u{7FFFFFFF}"
dump "a\z
      b\z   c"
dump "line\
break"
dump "\0651"
dump '\'"\'"'
for _, s in ipairs {
  [["\q"]], [["\300"]], [["\x1"]], [["\xg0"]], [["\u{110000000}"]], [["\u{}"]], [["\u123"]], [["\u{12"]],
  '"abc', "'abc\ndef'", '"\\', [["\2a6"]], [["\xZZ"]], [["\u{80000000}"]],
} do
  print(select(2, load("return " .. s)))
end
print(#"\z", "\z
   ", "end")

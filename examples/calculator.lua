-- A calculator: lexer, precedence-climbing parser, and an evaluator over a syntax tree.
--   lua calculator.lua [EXPRESSION...]        without arguments: a demonstration

-- Lexer: yields kind, text and position -----------------------------------------

local function tokens(source)
  local list, at = {}, 1
  while true do
    at = source:match("^%s*()", at)
    if at > #source then break end
    local kind, text
    for _, rule in ipairs { { "number", "^%d+%.?%d*" }, { "name", "^%a%w*" }, { "symbol", "^[-+*/%^%%(),=]" } } do
      text = source:match(rule[2], at)
      if text then kind = rule[1] break end
    end
    if not kind then error({ at = at, message = "unexpected '" .. source:sub(at, at) .. "'" }) end
    list[#list + 1] = { kind = kind, text = text, at = at }
    at = at + #text
  end
  list[#list + 1] = { kind = "end", text = "", at = #source + 1 }
  return list
end

-- Parser --------------------------------------------------------------------------

-- Binding powers of the operators: left and right. The power is greater on the left: right associative.
local powers = { ["="] = { 2, 1 }, ["+"] = { 3, 4 }, ["-"] = { 3, 4 }, ["*"] = { 5, 6 }, ["/"] = { 5, 6 }, ["%"] = { 5, 6 }, ["^"] = { 10, 9 } }
local PREFIX = 7

local Parser = {}
Parser.__index = Parser

function Parser.new(source) return setmetatable({ tokens = tokens(source), at = 1 }, Parser) end
function Parser:peek() return self.tokens[self.at] end

function Parser:next()
  self.at = self.at + 1
  return self.tokens[self.at - 1]
end

function Parser:expect(text)
  local t = self:next()
  if t.text ~= text then error({ at = t.at, message = "'" .. text .. "' expected" }) end
end

function Parser:primary()
  local t = self:next()
  if t.kind == "number" then return { op = "number", value = tonumber(t.text) } end
  if t.kind == "name" then
    if self:peek().text ~= "(" then return { op = "name", name = t.text, at = t.at } end
    self:next()
    local args = {}
    if self:peek().text ~= ")" then
      repeat args[#args + 1] = self:expression(0) until self:peek().text ~= "," or not self:next()
    end
    self:expect(")")
    return { op = "call", name = t.text, args = args, at = t.at }
  end
  if t.text == "(" then
    local inner = self:expression(0)
    self:expect(")")
    return inner
  end
  if t.text == "-" then return { op = "negate", self:expression(PREFIX) } end
  error({ at = t.at, message = t.kind == "end" and "unexpected end" or "unexpected '" .. t.text .. "'" })
end

function Parser:expression(least)
  local left = self:primary()
  while true do
    local t = self:peek()
    local power = t.kind == "symbol" and powers[t.text]
    if not power or power[1] < least then return left end
    self:next()
    left = { op = t.text, at = t.at, left, self:expression(power[2]) }
  end
end

-- Evaluator: one function for each kind of node --------------------------------------

local functions = { sqrt = math.sqrt, abs = math.abs, max = math.max, min = math.min, floor = math.floor }
local eval

local operators = {
  number = function(node) return node.value end,
  name = function(node, env) return env[node.name] or error({ at = node.at, message = "unknown name '" .. node.name .. "'" }) end,
  negate = function(node, env) return -eval(node[1], env) end,
  ["+"] = function(node, env) return eval(node[1], env) + eval(node[2], env) end,
  ["-"] = function(node, env) return eval(node[1], env) - eval(node[2], env) end,
  ["*"] = function(node, env) return eval(node[1], env) * eval(node[2], env) end,
  ["/"] = function(node, env) return eval(node[1], env) / eval(node[2], env) end,
  ["%"] = function(node, env)
    local divisor = eval(node[2], env)
    if divisor == 0 then error({ at = node.at, message = "remainder by zero" }) end
    return eval(node[1], env) % divisor
  end,
  ["^"] = function(node, env) return eval(node[1], env) ^ eval(node[2], env) end,
  ["="] = function(node, env)
    if node[1].op ~= "name" then error({ at = node.at, message = "only a name can be set" }) end
    local value = eval(node[2], env)
    env[node[1].name] = value
    return value
  end,
  call = function(node, env)
    local f = functions[node.name] or error({ at = node.at, message = "unknown function '" .. node.name .. "'" })
    local values = {}
    for i, a in ipairs(node.args) do values[i] = eval(a, env) end
    if #values == 0 then error({ at = node.at, message = node.name .. " needs a value" }) end
    return f(table.unpack(values))
  end,
}

function eval(node, env) return operators[node.op](node, env) end

local function calculate(source, env)
  local parser = Parser.new(source)
  local tree = parser:expression(0)
  local rest = parser:peek()
  if rest.kind ~= "end" then error({ at = rest.at, message = "unexpected '" .. rest.text .. "'" }) end
  return eval(tree, env)
end

local function show(source, env)
  local ok, result = pcall(calculate, source, env)
  if ok then
    print(string.format("%-28s %s", source, result))
  elseif type(result) == "table" then
    print(string.format("%-28s column %d: %s", source, result.at, result.message))
  else
    error(result, 0)
  end
end

local env = { pi = math.pi, ans = 0 }
if #arg > 0 then
  for _, source in ipairs(arg) do show(source, env) end
  return
end

for _, source in ipairs {
  "1 + 2 * 3", "(1 + 2) * 3", "2 ^ 3 ^ 2", "-2 ^ 2", "7 / 2", "7 % 4 - 1", "x = y = 12", "x * y + 1", "sqrt(x * x + 25)",
  "max(1, x, 3) - min(4, 2)", "floor(pi * 100) / 100", "2 * -3", "1 +", "(1 + 2", "3 $ 4", "z + 1", "f(1)", "1 2", "5 = 6", "1 % 0", "abs()",
} do
  show(source, env)
end

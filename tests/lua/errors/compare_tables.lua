print(pcall(function() return {} < {} end))
return {} <= {}

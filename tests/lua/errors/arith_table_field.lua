local cfg = { size = {} }
return cfg.size * 2

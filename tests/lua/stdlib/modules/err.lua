error("load-time error")

print("a\
b\qc")

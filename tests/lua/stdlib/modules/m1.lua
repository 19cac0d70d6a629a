return {name=..., n=select("#", ...), two=select(2, ...)}

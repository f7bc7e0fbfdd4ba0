def area(width, height):
    return width * height


values = [1, "2", None]
print(sum(v for v in values if v))

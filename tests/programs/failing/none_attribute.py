def find(name):
    for each in ["a"]:
        if each == name:
            return each


print(find("a").upper())
print(find("b").upper())

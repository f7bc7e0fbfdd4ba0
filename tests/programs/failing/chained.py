def load(key):
    try:
        return {"a": 1}[key]
    except KeyError as error:
        raise ValueError(f"no such key: {key}") from error


def main():
    try:
        load("b")
    except ValueError:
        [][1]


main()

from concurrent.futures import ThreadPoolExecutor, as_completed


def work(n):
    if n == 3:
        raise ValueError("three")
    return n * n


with ThreadPoolExecutor(max_workers=4) as pool:
    print(list(pool.map(work, [1, 2])))
    futures = {pool.submit(work, n): n for n in (1, 2, 3)}
    for future in sorted(as_completed(futures), key=futures.get):
        try:
            print(futures[future], future.result())
        except ValueError as error:
            print("failed", error)

total = 5
for i in range(2):
    print(totl + i)

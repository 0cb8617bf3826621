import time

print("worker is working", flush=True)
while True:
    time.sleep(1)

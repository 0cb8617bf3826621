print("release command ran", flush=True)

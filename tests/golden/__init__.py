"""Small indexes of every format, which later versions must open or refuse in so many words."""

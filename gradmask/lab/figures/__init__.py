"""The book's pictures: every figure is a function that draws what it is handed."""

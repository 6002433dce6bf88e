"""Images: Fashion-MNIST, scenes made from it, and photographs."""

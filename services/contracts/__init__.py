"""The published language: frozen event models and value types that neighbours may import."""

"""The shared vocabulary (our apimachinery): names, selectors, quantities, errors. No I/O."""

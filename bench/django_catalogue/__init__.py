"""The sample's catalogue as a Django application with django-haystack: for the benchmark, which runs it on its own."""

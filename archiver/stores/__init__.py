"""The vault door: objects under keys, in a directory or in an S3 bucket. Knows nothing of bags or licences."""

"""BagIt (RFC 8493), pure: paths, manifests, bag metadata, layout of our AIPs, and the rules of a valid bag."""

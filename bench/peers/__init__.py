"""The contenders, a file each: the router, and its peers as anyone would write them for the same job."""

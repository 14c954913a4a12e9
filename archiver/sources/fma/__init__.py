"""The FMA dataset (Defferrard et al. 2017): zips or unpacked folders that the operator holds, frozen in 2017."""

target "base" {
  args = {
    A = "1"
    B = "2"
  }
  labels = { l = "base" }
  platforms = ["linux/amd64"]
  cache-from = ["type=registry,ref=a"]
  no-cache-filter = ["x"]
  annotations = ["k=v"]
  ulimits = ["nofile=1024:1024"]
  attest = ["type=sbom,disabled=true"]
}
target "mid" {
  inherits = ["base"]
  args = { 
    B = "3" 
  }
  cache-from = ["type=registry,ref=b"]
  no-cache-filter = ["y"]
  annotations = ["k2=v2"]
  ulimits = ["nproc=10"]
}
target "default" {
  description = "the one"
  inherits = ["mid"]
  args = { 
    C = null 
  }
  platforms = ["linux/arm64"]
  tags = []
  pull = true
  no-cache = false
  shm-size = "128m"
  extra-hosts = { h = "1.2.3.4" }
  entitlements = ["security.insecure"]
  call = "check"
  output = [{ type = "image", push = true }]
  cache-to = [{ type = "local", dest = "c", mode = "max" }]
}

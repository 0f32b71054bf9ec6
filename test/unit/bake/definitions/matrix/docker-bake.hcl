variable "VERSIONS" { 
  default = [{ n = "1.0", d = true }, { n = "2.0", d = false }] 
}
group "default" {
  targets = ["app", "lib"]
}
target "app" {
  name = "app-${tgt}-${replace(v.n, ".", "-")}"
  matrix = {
    tgt = ["foo", "bar"]
    v = VERSIONS
  }
  args = { 
    VERSION = v.n 
  }
  target = tgt
  tags = ["app:${tgt}-${v.n}", v.d ? "app:${tgt}-default" : ""]
}
target "lib" {
  tags = ["lib"]
}

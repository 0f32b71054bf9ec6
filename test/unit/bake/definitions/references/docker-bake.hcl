variable "TAG" { 
  default = "v1" 
}
target "a" {
  args = {
    V = TAG
    W = "w"
  }
  tags = ["a:${TAG}"]
  dockerfile = "a.Dockerfile"
}
target "default" {
  args = {
    V = target.a.args.V
    T = target.a.tags[0]
  }
  dockerfile = target.a.dockerfile
  contexts = { 
    other = "target:a"
    img = "docker-image://alpine" 
  }
  context = BAKE_CMD_CONTEXT
}

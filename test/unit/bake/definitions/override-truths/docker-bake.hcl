variable "X" { 
  default = 1 
}
variable "L" {
  type = list(string)
  default = ["p"]
}
target "web" {
  tags = ["a", "b"]
  args = { 
    X = X 
    L = join("+", L)
  }
  output = ["type=local,dest=out"]
}
target "web2" {
  inherits = ["web"]
}
target "default" {
  secret = ["id=s,src=tok"]
}

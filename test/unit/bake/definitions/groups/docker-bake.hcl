group "all" {
  targets = ["g1", "c"]
  description = "everything"
}
group "g1" {
  targets = ["a", "b"]
}
target "a" {}
target "b" {
  dockerfile-inline = <<EOT
FROM alpine
RUN echo ${"$"}{HOME}
EOT
}
target "c" {
  context = "./sub/../c/"
}

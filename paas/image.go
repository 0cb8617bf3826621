package paas

// ImageConfig is how an image that we make ourselves differs from the one it is made from.
type ImageConfig struct {
	Env    []string // NAME=value
	User   string   // "1000:1000"
	Labels map[string]string
	Dir    string
}

// RegistryAuth signs in to our own registry.
type RegistryAuth struct {
	User     string
	Password Secret
}

package cluster

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

const (
	// Gateway is the address of the nodes and of the test in the network of the pods.
	Gateway   = "10.244.0.1"
	podRange  = "10.244.0.0/16"
	services  = "10.96.0.0/16"
	apiPort   = 6443
	etcdURL   = "http://127.0.0.1:2379"
	etcdPeers = "http://127.0.0.1:2380"
	token     = "administrator"
)

// control is the control plane: etcd, the API server, the controllers and the scheduler.
type control struct {
	dir        string
	kubeconfig string
	config     *rest.Config
	client     kubernetes.Interface
	daemons    []*daemon
}

// startControl starts the control plane with its files in dir. It must be stopped even after an error.
func startControl(ctx context.Context, dir string) (*control, error) {
	c := &control{dir: dir, kubeconfig: filepath.Join(dir, "kubeconfig")}
	if err := errors.Join(os.MkdirAll(dir, 0o755), c.writeKey(), c.write("tokens.csv",
		token+`,admin,1,"system:masters"`+"\n"), c.writeKubeconfig()); err != nil {
		return c, err
	}
	etcd, err := c.start("etcd", "--data-dir", c.file("etcd"), "--listen-client-urls", etcdURL,
		"--advertise-client-urls", etcdURL, "--listen-peer-urls", etcdPeers, "--initial-advertise-peer-urls", etcdPeers,
		"--initial-cluster", "default="+etcdPeers, "--unsafe-no-fsync", "--log-level", "warn")
	if err != nil {
		return c, err
	}
	api, err := c.start("kube-apiserver", "--etcd-servers", etcdURL, "--service-account-key-file", c.file("key.pem"),
		"--service-account-signing-key-file", c.file("key.pem"),
		"--service-account-issuer", "https://kubernetes.default.svc.cluster.local", "--token-auth-file",
		c.file("tokens.csv"), "--authorization-mode", "RBAC", "--bind-address", "0.0.0.0",
		"--advertise-address", Gateway, "--secure-port", fmt.Sprint(apiPort), "--cert-dir", c.file("api"),
		"--service-cluster-ip-range", services,
		"--allow-privileged", "--kubelet-preferred-address-types", "InternalIP",
		// The controller that removes its taints is off: the nodes send no heartbeats.
		"--disable-admission-plugins", "TaintNodesByCondition")
	if err != nil {
		return c, err
	}
	if err := c.awaitAPI(ctx, etcd, api); err != nil {
		return c, err
	}
	if _, err := c.start("kube-controller-manager", "--kubeconfig", c.kubeconfig,
		"--service-account-private-key-file", c.file("key.pem"), "--root-ca-file", c.file("api/apiserver.crt"),
		"--leader-elect=false", "--secure-port", "0", "--controllers", "*,-node-lifecycle-controller"); err != nil {
		return c, err
	}
	_, err = c.start("kube-scheduler", "--kubeconfig", c.kubeconfig, "--leader-elect=false", "--secure-port", "0")
	return c, err
}

func (c *control) file(name string) string { return filepath.Join(c.dir, name) }

func (c *control) write(name, text string) error {
	return os.WriteFile(c.file(name), []byte(text), 0o600)
}

func (c *control) start(name string, args ...string) (*daemon, error) {
	d, err := startDaemon(c.dir, name, args...)
	if err == nil {
		c.daemons = append(c.daemons, d)
	}
	return d, err
}

// stop ends the programs, the last one first.
func (c *control) stop() {
	for i := range c.daemons {
		c.daemons[len(c.daemons)-1-i].stop()
	}
}

// writeKey makes the key that signs the tokens of service accounts.
func (c *control) writeKey() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return c.write("key.pem", string(pem.EncodeToMemory(block)))
}

func (c *control) writeKubeconfig() error {
	config := clientcmdapi.NewConfig()
	config.Clusters["tests"] = &clientcmdapi.Cluster{
		Server:               fmt.Sprintf("https://%s:%d", Gateway, apiPort),
		CertificateAuthority: c.file("api/apiserver.crt"), // the server makes the certificate and signs it
	}
	config.AuthInfos["admin"] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts["tests"] = &clientcmdapi.Context{Cluster: "tests", AuthInfo: "admin"}
	config.CurrentContext = "tests"
	return clientcmd.WriteToFile(*config, c.kubeconfig)
}

// awaitAPI waits until the API server is ready, and makes the client.
func (c *control) awaitAPI(ctx context.Context, etcd, api *daemon) error {
	return api.await(ctx, 2*time.Minute, func() error {
		select {
		case <-etcd.ended:
			return etcd.failure(errors.New("it has ended"))
		default:
		}
		config, err := clientcmd.BuildConfigFromFlags("", c.kubeconfig)
		if err != nil {
			return err
		}
		config.QPS, config.Burst = 200, 400
		client, err := kubernetes.NewForConfig(config)
		if err != nil {
			return err
		}
		c.config, c.client = config, client
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

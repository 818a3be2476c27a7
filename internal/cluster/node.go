package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
)

// nodes runs the pods of all nodes of the cluster: these differ only by their names, by which the scheduler spreads
// pods.
type nodes struct {
	ctx      context.Context
	client   kubernetes.Interface
	dir      string
	services corelisters.ServiceLister
	events   record.EventRecorder
	closing  func()

	mu     sync.Mutex
	images map[string]Image
	pods   map[types.UID]*pod
}

// startNodes registers nodes and runs the pods that are bound to them, until ctx ends.
func startNodes(ctx context.Context, client kubernetes.Interface, dir string, images map[string]Image,
	count int) (*nodes, error) {
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	n := &nodes{ctx: ctx, client: client, dir: dir, images: images, pods: map[types.UID]*pod{},
		closing: broadcaster.Shutdown,
		events:  broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "node-of-tests"})}
	kubelet, err := n.serveKubelet()
	if err != nil {
		return nil, err
	}
	for i := range count {
		if err := n.register(fmt.Sprint("node-", i+1), kubelet); err != nil {
			return nil, err
		}
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	n.services = factory.Core().V1().Services().Lister()
	router := newRouter(ctx, n.services, factory.Discovery().V1().EndpointSlices().Lister())
	informer := factory.Core().V1().Pods().Informer()
	claims := factory.Core().V1().PersistentVolumeClaims().Informer()
	for from, handler := range map[cache.SharedIndexInformer]cache.ResourceEventHandlerFuncs{
		informer: {AddFunc: n.see, UpdateFunc: func(_, now any) { n.see(now) }, DeleteFunc: n.forget},
		claims: {AddFunc: func(object any) {
			claim := object.(*corev1.PersistentVolumeClaim)
			if err := n.provision(ctx, claim); err != nil && ctx.Err() == nil {
				n.events.Event(claim, corev1.EventTypeWarning, "ProvisioningFailed", err.Error())
			}
		}},
		factory.Core().V1().Services().Informer():            router.handler(),
		factory.Discovery().V1().EndpointSlices().Informer(): router.handler(),
	} {
		if _, err := from.AddEventHandler(handler); err != nil {
			return nil, err
		}
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return nil, fmt.Errorf("the nodes cannot list %v", kind)
		}
	}
	return n, serveDNS(ctx, n.services, router)
}

// register adds a node to the API.
func (n *nodes) register(name string, kubelet int32) error {
	resources := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("16"), corev1.ResourceMemory: resource.MustParse("64Gi"),
		corev1.ResourcePods: resource.MustParse("110"), corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
		"nvidia.com/gpu": resource.MustParse("8"), // which containers here do without
	}
	if _, err := n.client.CoreV1().Nodes().Create(n.ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name,
		Labels: map[string]string{corev1.LabelHostname: name, corev1.LabelOSStable: "linux"}}},
		metav1.CreateOptions{}); err != nil {
		return err
	}
	now := metav1.Now()
	status := corev1.NodeStatus{Capacity: resources, Allocatable: resources,
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: Gateway}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: kubelet}},
		Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "TestsNode",
			LastHeartbeatTime: now, LastTransitionTime: now}},
		NodeInfo: corev1.NodeSystemInfo{OperatingSystem: "linux", ContainerRuntimeVersion: "process://1"}}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	_, err = n.client.CoreV1().Nodes().PatchStatus(n.ctx, name, patch) // the controllers change the object as well
	return err
}

func (n *nodes) image(name string) (Image, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	image, found := n.images[name]
	return image, found
}

// see starts the pod if it is new, and ends it if it is being deleted.
func (n *nodes) see(object any) {
	now := object.(*corev1.Pod)
	if !strings.HasPrefix(now.Spec.NodeName, "node-") {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	p, known := n.pods[now.UID]
	if !known {
		p = n.newPod(now)
		n.pods[now.UID] = p
		go p.run()
	}
	p.latest.Store(now)
	if now.DeletionTimestamp == nil {
		return
	}
	grace := int64(30)
	if now.DeletionGracePeriodSeconds != nil {
		grace = *now.DeletionGracePeriodSeconds
	}
	p.terminate(grace)
	select {
	case <-p.done: // it ended before
		go p.remove()
	default:
	}
}

// forget ends a pod that the API has no more.
func (n *nodes) forget(object any) {
	if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = tombstone.Obj
	}
	gone, ok := object.(*corev1.Pod)
	if !ok {
		return
	}
	n.mu.Lock()
	p, known := n.pods[gone.UID]
	delete(n.pods, gone.UID)
	n.mu.Unlock()
	if known {
		p.terminate(0)
	}
}

// find returns the pod of a name that runs, or has run.
func (n *nodes) find(namespace, name string) (*pod, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.pods {
		if o := p.object(); o.Namespace == namespace && o.Name == name {
			return p, nil
		}
	}
	return nil, fmt.Errorf("no pod %s/%s on the nodes", namespace, name)
}

// process returns the running process of a container.
func (p *pod) process(container string) (*process, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, found := p.running[container]; found {
		return c, nil
	}
	return nil, fmt.Errorf("container %q of pod %s does not run", container, p.object().Name)
}

// kill sends a signal to the first process of a container of each pod that the labels select. It returns their names.
func (n *nodes) kill(namespace, selector, container string, signal syscall.Signal) (names []string, err error) {
	chosen, err := labels.Parse(selector)
	if err != nil {
		return nil, err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, p := range n.pods {
		o := p.object()
		if o.Namespace != namespace || !chosen.Matches(labels.Set(o.Labels)) {
			continue
		}
		c, err := p.process(container)
		if err == nil {
			err = c.signal(signal)
		}
		if err != nil {
			return names, err
		}
		names = append(names, o.Name)
	}
	return names, nil
}

// stop ends all pods, and waits for their ends.
func (n *nodes) stop() {
	n.mu.Lock()
	var pods []*pod
	for _, p := range n.pods {
		pods = append(pods, p)
	}
	n.mu.Unlock()
	for _, p := range pods {
		p.terminate(1)
	}
	for _, p := range pods {
		select {
		case <-p.done:
		case <-time.After(10 * time.Second): // the namespace of processes ends with the test
		}
	}
	n.closing()
}

package media

// noiseSize is how many thousandths of a byte a pixel takes.
type noiseSize struct {
	milli     int
	amplitude int // of the noise, in steps of 1/256
	share     int // of the rows that have noise of their own, of 1<<16
}

// Sizes of pictures of 1024 × 1024 pixels. The first rows differ in how well a format writes repetitions. Below them
// both write the same differences in Huffman codes.
var (
	pngSizes = append([]noiseSize{{18, 512, 0}, {25, 512, 256}, {31, 512, 512}, {41, 512, 1024}, {61, 512, 2048},
		{96, 512, 4096}, {167, 512, 8192}, {288, 512, 16384}, {516, 512, 32768}, {730, 512, 49152}}, fullSizes...)
	webpSizes = append([]noiseSize{{1, 512, 0}, {13, 512, 512}, {20, 512, 1024}, {32, 512, 2048}, {56, 512, 4096},
		{104, 512, 8192}, {201, 512, 16384}, {395, 512, 32768}, {585, 512, 49152}}, fullSizes...)
	fullSizes = []noiseSize{{777, 512, 1 << 16}, {881, 682, 1 << 16}, {1013, 909, 1 << 16}, {1156, 1212, 1 << 16},
		{1294, 1616, 1 << 16}, {1445, 2154, 1 << 16}, {1596, 2872, 1 << 16}, {1747, 3829, 1 << 16},
		{1905, 5105, 1 << 16}, {2055, 6806, 1 << 16}, {2215, 9074, 1 << 16}, {2368, 12098, 1 << 16},
		{2523, 16130, 1 << 16}, {2682, 21506, 1 << 16}, {2833, 28674, 1 << 16}, {2971, 38232, 1 << 16},
		{3001, 50976, 1 << 16}}
)

// spread returns the noise with which so many pixels take size bytes.
func spread(sizes []noiseSize, size, pixels int) noiseSize {
	milli := int(int64(size) * 1000 / int64(pixels))
	from := sizes[0]
	for _, to := range sizes {
		if milli < to.milli {
			if part, all := milli-from.milli, to.milli-from.milli; part > 0 {
				from.amplitude += (to.amplitude - from.amplitude) * part / all
				from.share += (to.share - from.share) * part / all
			}
			break
		}
		from = to
	}
	return from
}

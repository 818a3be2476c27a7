package datasets

// MediaKind is a kind of media.
type MediaKind string

// The kinds.
const (
	Image MediaKind = "image"
	Video MediaKind = "video"
	Audio MediaKind = "audio"
)

// Media is a picture, a video or a sound of a prompt. Items of one pool share it, so it must not be changed.
type Media struct {
	Kind MediaKind
	// Format is the format of its files: png, jpeg, webp, mp4 or wav. The files of the formats png_frames and
	// jpeg_frames are the images of a video's frames, in order.
	Format        string
	Width, Height int     // in pixels; 0 for sounds
	Frames        int     // of a video
	Seconds       float64 // how long a video or a sound plays
	Bytes         int64   // of all files
	ID            string  // the same for media of the same bytes, and other for others; "" if unknown
	// Files holds its files in base64, as requests carry them: one, or one for each frame.
	Files []string
	// URLs holds an address of each file, from which the server fetches it; nil if requests carry the files.
	URLs []string
}

// Part is a piece of a message: a text, or media.
type Part struct {
	Text  string
	Media *Media // nil for a text
}

// PartType returns of what kind the parts of a message are that hold the files, image, video or audio, and the media
// type of the files. A video can be images.
func (m *Media) PartType() (kind, mime string) {
	switch m.Format {
	case "png_frames":
		return "image", "image/png"
	case "jpeg_frames":
		return "image", "image/jpeg"
	}
	return string(m.Kind), string(m.Kind) + "/" + m.Format
}

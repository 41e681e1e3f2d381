// Reads one chat stream with OpenAI's Go SDK and prints what it made of it as one line of JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// What the SDK made of the stream.
type reading struct {
	Text   string `json:"text"`
	Finish string `json:"finish"`
	Usage  int64  `json:"usage"`
	Chunks int    `json:"chunks"`
	// The accumulator refuses chunks of another stream.
	Joined bool   `json:"joined"`
	Error  string `json:"error"`
}

func main() {
	client := openai.NewClient(
		option.WithBaseURL(os.Args[1]),
		option.WithAPIKey(os.Args[2]),
		option.WithMaxRetries(0),
	)
	params := openai.ChatCompletionNewParams{
		Model:    os.Args[3],
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hi")},
	}
	if os.Args[4] == "usage" {
		params.StreamOptions.IncludeUsage = openai.Bool(true)
	}
	stream := client.Chat.Completions.NewStreaming(context.Background(), params)
	whole := openai.ChatCompletionAccumulator{}
	read := reading{Joined: true}
	for stream.Next() {
		read.Chunks++
		read.Joined = whole.AddChunk(stream.Current()) && read.Joined
	}
	if len(whole.Choices) > 0 {
		read.Text = whole.Choices[0].Message.Content
		read.Finish = string(whole.Choices[0].FinishReason)
	}
	read.Usage = whole.Usage.CompletionTokens
	if stream.Err() != nil {
		read.Error = stream.Err().Error()
	}
	line, err := json.Marshal(read)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}
